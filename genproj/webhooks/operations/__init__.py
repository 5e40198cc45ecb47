"""What changes receipts, endpoints and deliveries."""
