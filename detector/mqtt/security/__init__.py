"""Who may say what over MQTT: signed commands, a signed service, TLS, users and access lists.

Without a file of keys (`mqtt.signing_file`) nothing is signed, which is for a broker on loopback.
"""
