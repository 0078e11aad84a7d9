"""Feature families: each file holds the state fields and the compiled formulas of one family.

Every family function has the form `family(event, user, merchant, shared, now, out)`. It reads
`now` (what several families need to know about the moment before the event) and its own fields,
writes its columns of `out`, then updates its own fields. It touches no other family's fields,
so the order of the families does not matter.
"""
