package fabricnet

import (
	"path/filepath"

	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/inspect"
)

// Running returns the names of the running orderers.
func (d Descriptor) Running() (names []string) {
	for _, o := range d.Orderers {
		if o.PID != 0 {
			names = append(names, o.Name)
		}
	}
	return names
}

// NewReader returns a reader of the blocks of a network's orderers, as the admin of the
// orderer organization.
func NewReader(dir string, d Descriptor) (*inspect.Reader, error) {
	who, err := client.LoadIdentity(d.Admin.MSPID, filepath.Join(dir, d.Admin.Cert), filepath.Join(dir, d.Admin.Key))
	if err != nil {
		return nil, err
	}
	orderers := make([]inspect.Orderer, len(d.Orderers))
	for i, o := range d.Orderers {
		orderers[i] = o.readable(dir)
	}
	return inspect.NewReader(who, orderers), nil
}

// readable returns the orderer as a [inspect.Reader] needs it.
func (o Orderer) readable(dir string) inspect.Orderer {
	return inspect.Orderer{Name: o.Name, Address: o.Address, TLS: client.TLS{CA: filepath.Join(dir, o.TLSCA)}}
}

// Descriptor is DIR/network.json: the parts of a network and the paths of their
// files. All paths are relative to DIR; all addresses are host:port on the
// loopback interface. A pid of 0 means that the process is not running.
type Descriptor struct {
	Channels []Channel `json:"channels"`
	Brokers  []string  `json:"brokers"`
	Proxy    string    `json:"proxy,omitempty"` // the API of the proxy between orderers and brokers, if there is one
	Orderers []Orderer `json:"orderers"`
	Peers    []Peer    `json:"peers"`
	Admin    Admin     `json:"admin"` // the orderer organization's admin
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
	Address    string `json:"address"`           // Broadcast and Deliver
	Admin      string `json:"admin"`             // channel participation
	Operations string `json:"operations"`        // healthz and metrics
	Profile    string `json:"profile,omitempty"` // net/http/pprof, with Options.Profiled
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

// User is a client identity of a peer organization.
type User struct {
	MSPID string `json:"mspid"`
	Cert  string `json:"cert"`
	Key   string `json:"key"`
}
