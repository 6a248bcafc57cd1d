"""What a STIX 2.1 object is: its bytes, versions, markings and patterns; pure."""
