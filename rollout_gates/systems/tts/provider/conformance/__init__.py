"""What the provider's protocols demand, as pure functions: each takes an observation and yields what violates one rule.

A rule raises `CouldNotJudge` where the observation holds nothing that it could be broken by. What the sheet tolerates
is no violation; a `Violation` that is marked *tolerated* is only noted.
"""
