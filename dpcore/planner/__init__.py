"""The planner: from a plan to its risks, utility and effort, from limits back to budgets, and a ledger of releases."""
