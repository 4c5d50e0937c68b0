"""weft image …"""
