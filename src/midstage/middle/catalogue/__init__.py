"""What the brand sells: products and their skus, categories, attributes, barcodes, tax classes, and finding them.

It owns what a thing is called and how it is sold; never its price (pricing) nor how many there are (inventory).
Always true: a shopper sees a sku only when it and its product are live; a sku code, a product code and a barcode
name one thing of the brand; a piece good is sold in whole pieces; every GTIN has a right check digit; a product's
copy of its category's path and its tax class' rate equals the original; whatever is in a name is found by it; a bundle
has no bundle in it; a product without a row of listing is sold everywhere; a change by file is applied once.
"""
