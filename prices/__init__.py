"""What AWS asks a month for the resources of templates: list prices, quantities, and what use is assumed.

Standard library and cronsim only: a check prices what is deployed with it.
"""
