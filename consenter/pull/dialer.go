package pull

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hyperledger/fabric/orderer/common/cluster"
	"github.com/hyperledger/fabric/orderer/common/localconfig"
)

// Cluster is how the orderer reaches other orderers: what the orderer gives Fabric's
// own consenters, which replicate blocks the same way.
type Cluster struct {
	// Dialer is Fabric's. An orderer of Fabric 2.5 with a system channel of type kafka has
	// none: its connections are then made from Settings and TLS.
	Dialer   *cluster.PredicateDialer
	Settings localconfig.Cluster // General.Cluster of orderer.yaml
	TLS      localconfig.TLS     // General.TLS
	Address  string              // General.ListenAddress: where this orderer serves clients
	Port     uint16              // General.ListenPort; 0: not known
}

// dialer returns a copy of Fabric's dialer, or one like it. Call it before the registrar starts:
// from then on every config block changes Fabric's, under its own lock. Only the root certificates
// change, and those are set for each address anyway. A connection is established on first
// use, so that waiting for it ends with the context of the call. An error means that this
// orderer cannot pull blocks.
func (c Cluster) dialer() (*cluster.StandardDialer, error) {
	d := &cluster.StandardDialer{}
	switch {
	case c.Dialer != nil:
		d.Config = c.Dialer.Config
	case c.Port == 0:
		return nil, errors.New("the orderer was built without its cluster dialer; build it with the plugin's builder")
	default:
		if err := c.configure(d); err != nil {
			return nil, err
		}
	}
	d.Config.AsyncConnect = true
	d.Config.SecOpts.VerifyCertificate = nil
	d.Config.SecOpts.ServerRootCAs = nil
	return d, nil
}

// Fabric's defaults for connections between orderers.
const (
	dialTimeout       = 5 * time.Second
	keepaliveInterval = time.Minute
	keepaliveTimeout  = 20 * time.Second
)

// configure sets what Fabric's main does for orderers of a cluster. As there, the certificate of
// the server is the default of that of the client. Without TLS there is none.
func (c Cluster) configure(d *cluster.StandardDialer) error {
	d.Config.DialTimeout = cmp.Or(c.Settings.DialTimeout, dialTimeout)
	d.Config.KaOpts.ClientInterval, d.Config.KaOpts.ClientTimeout = keepaliveInterval, keepaliveTimeout
	if !c.TLS.Enabled {
		return nil
	}
	files := cmp.Or(pairOfFiles{c.Settings.ClientCertificate, c.Settings.ClientPrivateKey}, pairOfFiles{c.TLS.Certificate, c.TLS.PrivateKey})
	certificate, err := os.ReadFile(files.certificate)
	key, err2 := os.ReadFile(files.key)
	if err = errors.Join(err, err2); err != nil {
		return fmt.Errorf("read its TLS certificate as a client of other orderers: %w; "+
			"set General.TLS, or General.Cluster.ClientCertificate and ClientPrivateKey, in orderer.yaml", err)
	}
	o := &d.Config.SecOpts
	o.UseTLS, o.RequireClientCert, o.Certificate, o.Key = true, true, certificate, key
	o.TimeShift = c.TLS.TLSHandshakeTimeShift
	return nil
}

// pairOfFiles are the names of two PEM files.
type pairOfFiles struct{ certificate, key string }
