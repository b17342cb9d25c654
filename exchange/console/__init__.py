"""The web pages: server-rendered, without a framework of their own.

`web/` is the base of every page (headers, cookies, forms, words, templates, assets); beside it
stands one room a user. It asks services alone, and knows neither the API nor the store.
"""
