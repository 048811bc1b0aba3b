"""What crosses a border: event, profiles, schemas, procedures, rules, codes, errors, signing, sealing.

Everything here is pure: values in, values or errors of `contracts.errors` out. The only files read are the package's
own data, once, through `importlib.resources`. This package imports none of the others.
"""
