"""What every log must do, said once and asked of both adapters."""
