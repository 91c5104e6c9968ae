"""How a shape is written as bytes: json, xml, form, cbor."""
