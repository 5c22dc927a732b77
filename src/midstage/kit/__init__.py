"""What every module stands on: database, facts, timers, jobs, rules, audit, money, ids. No business word in it."""
