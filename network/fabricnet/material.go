package fabricnet

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"text/template"

	"gopkg.in/yaml.v2"

	"github.com/fabric-kafka/orderer/consenter/settings"
	"github.com/fabric-kafka/orderer/network/genesis"
)

// cryptoConfig is the input of cryptogen: one orderer organization, and peer
// organizations with one admin and one user each.
var cryptoConfig = template.Must(template.New("").Parse(`OrdererOrgs:
  - Name: Orderer
    Domain: example.com
    EnableNodeOUs: true
    Specs:
{{- range .Orderers}}
      - Hostname: {{.}}
        SANS: [localhost, 127.0.0.1]
{{- end}}
PeerOrgs:
{{- range .Orgs}}
  - Name: Org{{.Number}}
    Domain: org{{.Number}}.example.com
    EnableNodeOUs: true
    Template:
      Count: {{.Peers}}
      SANS: [localhost, 127.0.0.1]
    Users:
      Count: 1
{{- end}}
`))

type orgData struct{ Number, Peers int }

func (n *Network) makeCrypto(ctx context.Context) error {
	if n.options.Crypto != "" {
		return copyPrivately(n.options.Crypto, n.path("crypto"))
	}
	if err := os.MkdirAll(n.path("crypto"), 0o700); err != nil {
		return err
	}
	data := struct {
		Orderers []string
		Orgs     []orgData
	}{}
	for i := range n.options.Orderers {
		data.Orderers = append(data.Orderers, ordererName(i))
	}
	for org := 1; org <= n.options.orgs(); org++ {
		data.Orgs = append(data.Orgs, orgData{org, max(1, (n.options.Peers+2-org)/2)})
	}
	if err := n.render(cryptoConfig, data, "config", "crypto-config.yaml"); err != nil {
		return err
	}
	if _, err := n.tool(ctx, "cryptogen", nil, "generate", "--config="+n.path("config", "crypto-config.yaml"), "--output="+n.path("crypto")); err != nil {
		return err
	}
	return keepPrivate(n.path("crypto"))
}

// configtx is the profile of a channel. Unless AnyWriters is set, Writers is one
// signature policy over all members: Fabric's usual ANY over the organizations verifies
// a client's signature once per organization, in an order that changes with each start.
var configtx = template.Must(template.New("").Parse(`
Profiles:
  Channel:
    Policies: &policies
      Readers: {Type: ImplicitMeta, Rule: "ANY Readers"}
{{- if .AnyWriters}}
      Writers: {Type: ImplicitMeta, Rule: "ANY Writers"}
{{- else}}
      Writers: {Type: Signature, Rule: "OR({{range $i, $m := .Members}}{{if $i}}, {{end}}'{{$m}}.member'{{end}})"}
{{- end}}
      Admins: {Type: ImplicitMeta, Rule: "MAJORITY Admins"}
    Capabilities: {V2_0: true}
    Orderer: &orderer
      OrdererType: {{.Type}}
{{- if eq .Type "etcdraft"}}
      EtcdRaft:
        Consenters:
{{- range .Orderers}}
        - Host: 127.0.0.1
          Port: {{.Port}}
          ClientTLSCert: {{.Dir}}/tls/server.crt
          ServerTLSCert: {{.Dir}}/tls/server.crt
{{- end}}
{{- end}}
      Addresses: [{{range $i, $o := .Orderers}}{{if $i}}, {{end}}"127.0.0.1:{{$o.Port}}"{{end}}]
      BatchTimeout: {{.BatchTimeout}}
      BatchSize: {MaxMessageCount: {{.MaxMessages}}, AbsoluteMaxBytes: 10 MB, PreferredMaxBytes: 2 MB}
      Organizations:
      - Name: OrdererOrg
        ID: OrdererMSP
        MSPDir: {{.OrdererMSPDir}}
        OrdererEndpoints: [{{range $i, $o := .Orderers}}{{if $i}}, {{end}}"127.0.0.1:{{$o.Port}}"{{end}}]
        Policies:
          Readers: {Type: Signature, Rule: "OR('OrdererMSP.member')"}
          Writers: {Type: Signature, Rule: "OR('OrdererMSP.member')"}
          Admins: {Type: Signature, Rule: "OR('OrdererMSP.admin')"}
      Policies:
        Readers: {Type: ImplicitMeta, Rule: "ANY Readers"}
        Writers: {Type: ImplicitMeta, Rule: "ANY Writers"}
        Admins: {Type: ImplicitMeta, Rule: "MAJORITY Admins"}
        BlockValidation: {Type: ImplicitMeta, Rule: "ANY Writers"}
      Capabilities: {V2_0: true}
    Application: &application
      Organizations: &organizations
{{- range .Orgs}}
      - Name: {{.MSP}}
        ID: {{.MSP}}
        MSPDir: {{.MSPDir}}
{{- if .Anchor}}
        AnchorPeers: [{Host: 127.0.0.1, Port: {{.Anchor}}}]
{{- end}}
        Policies:
          Readers: {Type: Signature, Rule: "OR('{{.MSP}}.member')"}
          Writers: {Type: Signature, Rule: "OR('{{.MSP}}.member')"}
          Admins: {Type: Signature, Rule: "OR('{{.MSP}}.admin')"}
          Endorsement: {Type: Signature, Rule: "OR('{{.MSP}}.member')"}
{{- end}}
      Policies:
        Readers: {Type: ImplicitMeta, Rule: "ANY Readers"}
        Writers: {Type: ImplicitMeta, Rule: "ANY Writers"}
        Admins: {Type: ImplicitMeta, Rule: "MAJORITY Admins"}
        LifecycleEndorsement: {Type: ImplicitMeta, Rule: "MAJORITY Endorsement"}
        Endorsement: {Type: ImplicitMeta, Rule: "MAJORITY Endorsement"}
      Capabilities: {V2_0: true}
`))

type channelData struct {
	Type          string
	AnyWriters    bool
	Members       []string
	Orderers      []ordererData
	BatchTimeout  string
	MaxMessages   int
	OrdererMSPDir string
	Orgs          []channelOrg
}

type ordererData struct {
	Port int
	Dir  string
}

type channelOrg struct {
	MSP, MSPDir string
	Anchor      int // port; 0 for none
}

func (n *Network) channelData(kind string) channelData {
	o := n.options
	d := channelData{
		Type:          kind,
		AnyWriters:    o.AnyWriters,
		Members:       []string{"OrdererMSP"},
		BatchTimeout:  o.BatchTimeout.String(),
		MaxMessages:   o.MaxMessages,
		OrdererMSPDir: n.path(ordererOrgDir(), "msp"),
	}
	for i := range o.Orderers {
		d.Orderers = append(d.Orderers, ordererData{o.BasePort + ordererPort + 10*i, n.path(ordererCrypto(i))})
	}
	for org := 1; org <= o.orgs(); org++ {
		c := channelOrg{MSP: orgMSP(org), MSPDir: n.path(peerOrgDir(org), "msp")}
		if o.Peers >= org {
			c.Anchor = o.BasePort + peerPort + 10*(org-1)
		}
		d.Orgs = append(d.Orgs, c)
		d.Members = append(d.Members, c.MSP)
	}
	return d
}

// makeGenesis writes the genesis block of a channel as configtxgen does.
func (n *Network) makeGenesis(ctx context.Context, channel, kind string) error {
	folder := "configtx-" + channel
	if err := n.render(configtx, n.channelData(kind), "config", folder, "configtx.yaml"); err != nil {
		return err
	}
	file := n.path(blockFile(channel))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	_, err := n.tool(ctx, "configtxgen", nil, "-configPath", n.path("config", folder), "-profile", "Channel", "-channelID", channel, "-outputBlock", file)
	return err
}

// makeKafkaGenesis writes the genesis block of a channel that is ordered through Kafka.
func (n *Network) makeKafkaGenesis(ctx context.Context, channel string) error {
	if err := n.makeGenesis(ctx, channel, "solo"); err != nil { // which has nothing to remove
		return err
	}
	return rewrite(n.path(blockFile(channel)), func(block []byte) ([]byte, error) {
		return genesis.Rewrite(block, n.options.Type, n.options.brokers())
	})
}

// rewrite replaces the block in a file.
func rewrite(file string, change func([]byte) ([]byte, error)) error {
	block, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if block, err = change(block); err != nil {
		return err
	}
	return os.WriteFile(file, block, 0o644)
}

func blockFile(channel string) string { return filepath.Join("blocks", channel+".block") }

func (n *Network) render(t *template.Template, data any, path ...string) error {
	var text bytes.Buffer
	if err := t.Execute(&text, data); err != nil {
		return err
	}
	return writeFile(n.path(path...), text.Bytes(), 0o644)
}

func writeFile(file string, text []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, text, mode)
}

// makeNodeConfig writes orderer.yaml and core.yaml: Fabric's samples with our
// section in the former, and the builder for our chaincode in the latter. Settings
// that differ between nodes are set by environment variables.
func (n *Network) makeNodeConfig(sample string) error {
	for number := 0; number <= n.options.Orderers; number++ { // 0: for all orderers without a binary of their own
		if _, own := n.options.OrdererBins[number]; !own && number != 0 {
			continue
		}
		if err := n.writeOrdererConfig(number, sample); err != nil {
			return err
		}
	}
	if err := n.writePeerConfig(0, sample); err != nil {
		return err
	}
	for name, script := range builderScripts {
		if err := writeFile(n.path("config", "builder", "bin", name), []byte(script), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// writeOrdererConfig writes the orderer.yaml of one orderer, or with 0 that of those that share one. A sample
// that is not next to the binary is in the folder sample.
func (n *Network) writeOrdererConfig(number int, sample string) error {
	from := sampleOf(n.ordererBin(number), sample, "orderer.yaml")
	return n.editYAML(from, n.path("config", n.ordererConfig(number), "orderer.yaml"), func(all tree) error {
		if number == 0 && n.options.InTree != "" {
			addInTreeSection(all)
		}
		return addKafkaSection(all)
	})
}

// writePeerConfig writes the core.yaml of one peer, or with 0 that of those that share one.
func (n *Network) writePeerConfig(number int, sample string) error {
	return n.editYAML(sampleOf(n.peerBin(number), sample, "core.yaml"), n.path("config", n.peerConfig(number), "core.yaml"), n.useExternalBuilder)
}

// peerBin returns the folder of a peer's binary.
func (n *Network) peerBin(number int) string {
	return cmp.Or(n.options.PeerBins[number], n.options.Bin)
}

// peerConfig returns the folder of a peer's configuration, below config.
func (n *Network) peerConfig(number int) string {
	if _, own := n.options.PeerBins[number]; own {
		return peerName(number - 1)
	}
	return "peer"
}

// ordererBin returns the folder of an orderer's binary.
func (n *Network) ordererBin(number int) string {
	if bin, own := n.options.OrdererBins[number]; own {
		return bin
	}
	if number > 0 && n.options.InTree != "" {
		return n.options.InTree
	}
	return n.options.Bin
}

// ordererConfig returns the folder of an orderer's configuration, below config.
func (n *Network) ordererConfig(number int) string {
	if _, own := n.options.OrdererBins[number]; own {
		return ordererName(number - 1)
	}
	return "orderer"
}

// sampleOf returns the folder of the sample configuration that the builder put next to the binaries, which is
// that of their release; if there is none, that of the module.
func sampleOf(bin, module, name string) string {
	if sample := filepath.Join(bin, "sampleconfig", name); isFile(sample) {
		return sample
	}
	return filepath.Join(module, name)
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

type tree = map[interface{}]interface{}

func (n *Network) editYAML(from, to string, edit func(tree) error) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	all := tree{}
	if err := yaml.Unmarshal(text, &all); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	if err := edit(all); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	out, err := yaml.Marshal(all)
	if err != nil {
		return err
	}
	return writeFile(to, out, 0o644)
}

func addKafkaSection(all tree) error {
	sample := tree{}
	if err := yaml.Unmarshal([]byte(settings.Sample), &sample); err != nil {
		return err
	}
	section, ok := all["Consensus"].(tree)
	if !ok {
		return fmt.Errorf("no section Consensus")
	}
	section["Kafka"] = sample["Consensus"].(tree)["Kafka"]
	return nil
}

// useExternalBuilder configures the peer for chaincode that runs as a service,
// without a container engine.
func (n *Network) useExternalBuilder(all tree) error {
	vm, ok := all["vm"].(tree)
	chaincode, ok2 := all["chaincode"].(tree)
	if !ok || !ok2 {
		return fmt.Errorf("no sections vm and chaincode")
	}
	vm["endpoint"] = ""
	chaincode["externalBuilders"] = []any{tree{"name": "service", "path": n.path("config", "builder")}}
	return nil
}

// builderScripts are the three scripts of the external builder. A package holds only
// the address of its chaincode.
var builderScripts = map[string]string{
	"detect":  "#!/bin/sh\nexec grep -q '\"type\": *\"ccaas\"' \"$2/metadata.json\"\n",
	"build":   "#!/bin/sh\nexec cp \"$1/connection.json\" \"$3/connection.json\"\n",
	"release": "#!/bin/sh\nmkdir -p \"$2/chaincode/server\" && exec cp \"$1/connection.json\" \"$2/chaincode/server/connection.json\"\n",
}
