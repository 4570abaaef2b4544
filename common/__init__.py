"""What several apps share and no app owns. Imports nothing of them."""
