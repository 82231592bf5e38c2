"""Money: whole cents of the deployment's one currency. Never a float, which cannot hold a tenth."""

CURRENCY = "EUR"
MAX_PRICE = 10_000_000  # cents of one piece
MAX_TOTAL = 2**31 - 1  # cents: GraphQL's Int
