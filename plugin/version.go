package plugin

// Version is the plugin's version, shown by "orderer version".
const Version = "0.1.0"
