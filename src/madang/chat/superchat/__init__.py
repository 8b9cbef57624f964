"""Paid messages: tiers, orders, the ledger, the ticker, the goal. Money is integers of a currency's smallest
unit."""
