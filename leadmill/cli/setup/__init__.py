"""What a deployment is set up with: settings, documents, schemas, topics."""
