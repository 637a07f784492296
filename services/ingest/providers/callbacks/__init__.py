"""What WeChat and WeCom share: callbacks in XML, signed by SHA-1, sealed by AES."""
