package fabricnet

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// command returns how a process of the network is started, and a check of whether it serves requests.
func (n *Network) command(name string) (command, func(context.Context) error, error) {
	i := slices.Index(n.names(), name)
	if i < 0 {
		return command{}, nil, fmt.Errorf("there is no process %q; there are %s", name, strings.Join(n.names(), ", "))
	}
	number := numberOf(name)
	c := command{name: name, dir: n.dir, log: n.path(logFile(name))}
	switch {
	case strings.HasPrefix(name, brokerName):
		c, ready := n.brokerCommand(name, c)
		return c, ready, nil
	case name == proxyName:
		c, err := n.proxyCommand(c)
		return c, all(listening(n.options.proxy()), listening(n.options.links()[0].Listen)), err
	case name == chaincodeName:
		address := n.options.address(chaincodePort)
		id, err := os.ReadFile(n.path("chaincode", "id"))
		c.program = n.Bin("chaincode")
		c.env = []string{"CHAINCODE_ID=" + string(id), "CHAINCODE_ADDRESS=" + address}
		return c, listening(address), err
	case strings.HasPrefix(name, "orderer"):
		c.program = filepath.Join(n.ordererBin(number), "orderer")
		o := n.describeOrderer(number - 1)
		c.env = n.ordererEnv(o)
		if n.inTree(number) { // its health check panics until its first channel has a producer
			return c, all(listening(o.Admin), listening(o.Address)), nil
		}
		return c, all(healthy(o.Operations), listening(o.Admin), listening(o.Address)), nil
	}
	c.program, c.args = filepath.Join(n.peerBin(number), "peer"), []string{"node", "start"}
	c.env = n.peerEnv(number - 1)
	serving := all(healthy(n.options.address(peerPort+10*(number-1)+2)), listening(n.describePeer(number-1).Address))
	return c, serving, nil
}

// all is ready when each check is: the endpoints of a node open one after the other.
func all(checks ...func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, ready := range checks {
			if err := ready(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

func listening(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return c.Close()
	}
}

func healthy(operations string) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+operations+"/healthz", nil)
		if err != nil {
			return err
		}
		r, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer r.Body.Close()
		if r.StatusCode != http.StatusOK {
			return fmt.Errorf("healthz: %s", r.Status)
		}
		return nil
	}
}

func split(address string) (host, port string) {
	host, port, _ = net.SplitHostPort(address) // our own address, well formed
	return host, port
}

func (n *Network) ordererEnv(o Orderer) []string {
	host, port := split(o.Address)
	key, cert, ca := n.path(o.TLSKey), n.path(o.TLSCert), n.path(o.TLSCA)
	// The admin API takes the admin's TLS certificate and its signing certificate.
	admins := fmt.Sprintf("[%s,%s]", ca, n.path(ordererOrgDir(), "ca", "ca.example.com-cert.pem"))
	env := []string{
		"FABRIC_CFG_PATH=" + n.path("config", n.ordererConfig(numberOf(o.Name))),
		"GOGC=400", // an orderer's live heap is small: collecting it less often saves a tenth of its CPU
		"FABRIC_LOGGING_SPEC=info",
		"ORDERER_GENERAL_LISTENADDRESS=" + host,
		"ORDERER_GENERAL_LISTENPORT=" + port,
		"ORDERER_GENERAL_LOCALMSPID=" + o.MSPID,
		"ORDERER_GENERAL_LOCALMSPDIR=" + n.path(o.MSPDir),
		"ORDERER_GENERAL_TLS_ENABLED=true",
		"ORDERER_GENERAL_TLS_PRIVATEKEY=" + key,
		"ORDERER_GENERAL_TLS_CERTIFICATE=" + cert,
		"ORDERER_GENERAL_TLS_ROOTCAS=[" + ca + "]",
		"ORDERER_GENERAL_CLUSTER_CLIENTCERTIFICATE=" + cert,
		"ORDERER_GENERAL_CLUSTER_CLIENTPRIVATEKEY=" + key,
		"ORDERER_GENERAL_CLUSTER_ROOTCAS=[" + ca + "]",
		"ORDERER_CHANNELPARTICIPATION_ENABLED=true",
		"ORDERER_ADMIN_LISTENADDRESS=" + o.Admin,
		"ORDERER_ADMIN_TLS_ENABLED=true",
		"ORDERER_ADMIN_TLS_PRIVATEKEY=" + key,
		"ORDERER_ADMIN_TLS_CERTIFICATE=" + cert,
		"ORDERER_ADMIN_TLS_CLIENTAUTHREQUIRED=true",
		"ORDERER_ADMIN_TLS_CLIENTROOTCAS=" + admins,
		"ORDERER_OPERATIONS_LISTENADDRESS=" + o.Operations,
		"ORDERER_METRICS_PROVIDER=prometheus",
		"ORDERER_FILELEDGER_LOCATION=" + n.path(o.Dir, "ledger"),
		"ORDERER_CONSENSUS_WALDIR=" + n.path(o.Dir, "etcdraft", "wal"),
		"ORDERER_CONSENSUS_SNAPDIR=" + n.path(o.Dir, "etcdraft", "snapshot"),
		"ORDERER_CONSENSUS_KAFKA_TIMEOUTS_DIAL=1s", // a local broker answers at once; one that has just started
		"ORDERER_CONSENSUS_KAFKA_TIMEOUTS_READ=2s", // accepts connections long before it answers
		"ORDERER_CONSENSUS_KAFKA_RETRY_MAX=500ms",  // finds the next leader quickly; there are few channels
		"ORDERER_CONSENSUS_KAFKA_TOPIC_REPLICATIONFACTOR=" + strconv.Itoa(n.options.Replication),
		"ORDERER_CONSENSUS_KAFKA_TOPIC_COMPATIBLE=" + strings.Join(n.options.Compatible, ","),
		"ORDERER_CONSENSUS_KAFKA_TOPIC_MOVED=" + strings.Join(n.options.Moved, ","),
	}
	env = append(env, n.bootstrap(o)...)
	if n.options.Proxied {
		env = append(env, "ORDERER_CONSENSUS_KAFKA_BROKERS="+strings.Join(n.options.linked(o.Name), ","))
	}
	for _, setting := range n.options.Settings {
		env = append(env, "ORDERER_CONSENSUS_KAFKA_"+setting)
	}
	if n.options.Profiled {
		env = append(env, "ORDERER_GENERAL_PROFILE_ENABLED=true", "ORDERER_GENERAL_PROFILE_ADDRESS="+o.Profile)
	}
	return append(env, n.options.Environment...)
}

func (n *Network) peerEnv(i int) []string {
	p, base := n.describePeer(i), peerPort+10*i
	folder, data := n.path(peerCrypto(i)), n.path("data", p.Name)
	return []string{
		"FABRIC_CFG_PATH=" + n.path("config", n.peerConfig(i+1)),
		"FABRIC_LOGGING_SPEC=info",
		"CORE_PEER_ID=" + p.Name,
		"CORE_PEER_LOCALMSPID=" + p.MSPID,
		"CORE_PEER_MSPCONFIGPATH=" + folder + "/msp",
		"CORE_PEER_ADDRESS=" + p.Address,
		"CORE_PEER_LISTENADDRESS=" + p.Address,
		"CORE_PEER_CHAINCODEADDRESS=" + n.options.address(base+1),
		"CORE_PEER_CHAINCODELISTENADDRESS=" + n.options.address(base+1),
		"CORE_PEER_GOSSIP_BOOTSTRAP=" + n.options.address(peerPort+10*(orgOf(i)-1)),
		"CORE_PEER_GOSSIP_EXTERNALENDPOINT=" + p.Address,
		"CORE_PEER_GOSSIP_ENDPOINT=" + p.Address,
		"CORE_PEER_GOSSIP_PVTDATA_PULLRETRYTHRESHOLD=5s", // instead of a minute: a new peer looks for private data at these intervals
		"CORE_PEER_GOSSIP_PVTDATA_RECONCILESLEEPINTERVAL=5s",
		"CORE_PEER_TLS_ENABLED=true",
		"CORE_PEER_TLS_CERT_FILE=" + folder + "/tls/server.crt",
		"CORE_PEER_TLS_KEY_FILE=" + folder + "/tls/server.key",
		"CORE_PEER_TLS_ROOTCERT_FILE=" + folder + "/tls/ca.crt",
		"CORE_PEER_FILESYSTEMPATH=" + data,
		"CORE_LEDGER_SNAPSHOTS_ROOTDIR=" + data + "/snapshots",
		"CORE_OPERATIONS_LISTENADDRESS=" + n.options.address(base+2),
		"CORE_METRICS_PROVIDER=prometheus",
	}
}

// peerCLI returns the environment of the peer command run as an organization's admin.
func (n *Network) peerCLI(i int) []string {
	p := n.describePeer(i)
	return []string{
		"CORE_PEER_TLS_ENABLED=true",
		"CORE_PEER_LOCALMSPID=" + p.MSPID,
		"CORE_PEER_MSPCONFIGPATH=" + n.path(userCrypto(peerOrgDir(orgOf(i)), "Admin", orgDomain(orgOf(i))), "msp"),
		"CORE_PEER_ADDRESS=" + p.Address,
		"CORE_PEER_TLS_ROOTCERT_FILE=" + n.path(p.TLSCA),
	}
}

// ordererFlags returns the peer command's flags for a running orderer.
func (n *Network) ordererFlags() []string {
	o := n.describeOrderer(0)
	for i := range n.options.Orderers {
		if o = n.describeOrderer(i); o.PID != 0 {
			break
		}
	}
	return []string{"-o", o.Address, "--tls", "--cafile", n.path(o.TLSCA)}
}
