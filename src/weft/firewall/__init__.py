"""The host's one nftables table: publishing, isolation, masquerading. Pure: from the model to nft's words."""
