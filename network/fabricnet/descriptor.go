package fabricnet

// Descriptor is DIR/network.json: what a running network consists of and where
// its files are. All paths are relative to DIR; all addresses are host:port on
// the loopback interface. A pid of 0 means that the process is not running.
type Descriptor struct {
	Channels []Channel `json:"channels"`
	Brokers  []string  `json:"brokers"`
	Proxy    string    `json:"proxy,omitempty"` // the API of the proxy between orderers and brokers, if there is one
	Orderers []Orderer `json:"orderers"`
	Peers    []Peer    `json:"peers"`
	Admin    Admin     `json:"admin"` // the orderer organisation's admin
	Users    []User    `json:"users"`
}

// Channel is one channel of the network.
type Channel struct {
	Name         string `json:"name"`
	GenesisBlock string `json:"genesisBlock"`
}

// Orderer is one orderer process.
type Orderer struct {
	Name       string `json:"name"`
	MSPID      string `json:"mspid"`
	Address    string `json:"address"`    // Broadcast and Deliver
	Admin      string `json:"admin"`      // channel participation
	Operations string `json:"operations"` // healthz and metrics
	TLSCA      string `json:"tlsCA"`
	MSPDir     string `json:"mspDir"`
	TLSCert    string `json:"tlsCert"`
	TLSKey     string `json:"tlsKey"`
	Dir        string `json:"dir"`
	Log        string `json:"log"`
	PID        int    `json:"pid"`
}

// Peer is one peer process.
type Peer struct {
	Name    string `json:"name"`
	MSPID   string `json:"mspid"`
	Address string `json:"address"`
	TLSCA   string `json:"tlsCA"`
	Log     string `json:"log"`
	PID     int    `json:"pid"`
}

// Admin is an identity with its TLS trust anchor.
type Admin struct {
	MSPID string `json:"mspid"`
	Cert  string `json:"cert"`
	Key   string `json:"key"`
	TLSCA string `json:"tlsCA"`
}

// User is a client identity of a peer organisation.
type User struct {
	MSPID string `json:"mspid"`
	Cert  string `json:"cert"`
	Key   string `json:"key"`
}
