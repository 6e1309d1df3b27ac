"""Schema migrations: judged by their statements, rehearsed on a database of their own, compared before and after."""
