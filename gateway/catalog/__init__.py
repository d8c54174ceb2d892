"""What can be asked for: datasets as views of sources, their metadata, their governance facts, who may find them."""
