package command

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/fabric-kafka/orderer/network/client"
)

// Flags are the flags that several commands share.
type Flags struct {
	Target           Target
	OrdererAddresses []string // HOST:PORT, as --orderer has them

	tls           client.TLS
	mspID, mspDir string
	json          bool
	timeout       time.Duration
}

// AddCommon adds the flags of every command that asks brokers or orderers: --json and --timeout.
func (f *Flags) AddCommon(c *cobra.Command, timeout time.Duration) {
	f.AddJSON(c)
	c.Flags().DurationVar(&f.timeout, "timeout", timeout, "how long brokers and orderers may take to answer, or to send the next record or block")
}

// AddJSON adds --json.
func (f *Flags) AddJSON(c *cobra.Command) {
	c.Flags().BoolVar(&f.json, "json", false, "print JSON")
}

// AddBrokers adds the flags that name brokers.
func (f *Flags) AddBrokers(c *cobra.Command) {
	c.Flags().StringSliceVar(&f.Target.Brokers, "brokers", nil, "HOST:PORT of brokers (default: those of --config, else those of the channel's config at --orderer)")
	c.Flags().StringVar(&f.Target.Config, "config", "", "orderer.yaml whose section Consensus.Kafka has TLS, SASL and brokers")
	MustMark(c.MarkFlagFilename("config", "yaml", "yml"))
}

// AddOrderers adds the flags that name orderers.
func (f *Flags) AddOrderers(c *cobra.Command) {
	fs := c.Flags()
	fs.StringArrayVar(&f.OrdererAddresses, "orderer", nil, "HOST:PORT where an orderer of the channel delivers blocks; may be repeated")
	fs.StringVar(&f.tls.CA, "cafile", "", "PEM file of the CA of the orderers' TLS certificates (default: no TLS)")
	fs.StringVar(&f.tls.Cert, "client-cert", "", "PEM file of the TLS client certificate for orderers that require one")
	fs.StringVar(&f.tls.Key, "client-key", "", "PEM file of the key of --client-cert")
	fs.StringVar(&f.tls.ServerName, "ordererTLSHostnameOverride", "", "host name in the orderers' TLS certificates (default: that of the address)")
	fs.StringVar(&f.mspDir, "mspdir", "", "MSP folder of the identity that reads blocks and signs updates: signcerts and keystore")
	fs.StringVar(&f.mspID, "mspid", "", "MSP ID of that identity")
	for _, name := range []string{"cafile", "client-cert", "client-key"} {
		MustMark(c.MarkFlagFilename(name, "pem", "crt", "cert", "key"))
	}
	MustMark(c.MarkFlagDirname("mspdir"))
}

// MustMark panics if a flag cannot be marked, which means that it does not exist.
func MustMark(err error) {
	if err != nil {
		panic(err)
	}
}
