"""Who is asking: agents enrolled by their participant, the assertions they sign, the tokens they get.

A token says who, never what: roles and sites are read from enrolment at each use.
"""
