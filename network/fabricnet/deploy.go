package fabricnet

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// The sample chaincode, the same on every channel.
const (
	chaincodeID      = "assets"
	chaincodeVersion = "1"
	chaincodeLabel   = chaincodeID + "_" + chaincodeVersion
)

// deploy installs the sample chaincode on every peer, starts it, and commits it
// on every channel.
func (n *Network) deploy(ctx context.Context) error {
	if n.options.Peers == 0 {
		return nil
	}
	pkg, err := chaincodePackage(n.options.address(chaincodePort))
	if err != nil {
		return err
	}
	id := fmt.Sprintf("%s:%x", chaincodeLabel, sha256.Sum256(pkg))
	file := n.path("chaincode", chaincodeLabel+".tar.gz")
	if err := writeFile(file, pkg, 0o644); err != nil {
		return err
	}
	if err := writeFile(n.path("chaincode", "id"), []byte(id), 0o644); err != nil {
		return err
	}
	if err := n.Start(ctx, chaincodeName); err != nil {
		return err
	}
	for i := range n.options.Peers {
		if _, err := n.tool(ctx, "peer", n.peerCLI(i), "lifecycle", "chaincode", "install", file); err != nil {
			return err
		}
	}
	for _, c := range n.options.allChannels() {
		if err := n.Define(ctx, c, 1); err != nil {
			return fmt.Errorf("channel %s: %w", c, err)
		}
	}
	return nil
}

// Define approves the definition of the chaincode with this sequence for each organization and commits it on a
// channel. More flags of the lifecycle commands may be part of the definition.
func (n *Network) Define(ctx context.Context, channel string, sequence int, more ...string) error {
	id, err := os.ReadFile(n.path("chaincode", "id"))
	if err != nil {
		return err
	}
	definition := []string{"--channelID", channel, "--name", chaincodeID, "--version", chaincodeVersion, "--sequence", strconv.Itoa(sequence)}
	definition = slices.Concat(definition, more, n.ordererFlags())
	for org := 1; org <= n.options.orgs(); org++ {
		args := append([]string{"lifecycle", "chaincode", "approveformyorg", "--package-id", string(id)}, definition...)
		if _, err := n.tool(ctx, "peer", n.peerCLI(org-1), args...); err != nil {
			return err
		}
	}
	if err := n.awaitApprovals(ctx, definition); err != nil {
		return err
	}
	args := append([]string{"lifecycle", "chaincode", "commit"}, definition...)
	_, err = n.tool(ctx, "peer", n.peerCLI(0), append(args, n.endorsers()...)...)
	return err
}

// awaitApprovals waits until a peer of each organization has the blocks with all approvals: before
// that the peers endorse different results.
func (n *Network) awaitApprovals(ctx context.Context, definition []string) error {
	for org := 1; org <= n.options.orgs(); org++ {
		err := retried(ctx, func(ctx context.Context) error {
			args := append([]string{"lifecycle", "chaincode", "checkcommitreadiness", "--output", "json"}, definition...)
			out, err := n.tool(ctx, "peer", n.peerCLI(org-1), args...)
			if err == nil && strings.Contains(out, "false") {
				err = fmt.Errorf("%s does not have all approvals: %s", peerName(org-1), out)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// endorsers returns the peer command's flags for one peer of each organization.
func (n *Network) endorsers() []string {
	var flags []string
	for org := 1; org <= n.options.orgs(); org++ {
		p := n.describePeer(org - 1)
		flags = append(flags, "--peerAddresses", p.Address, "--tlsRootCertFiles", n.path(p.TLSCA))
	}
	return flags
}

// chaincodePackage returns a package with the address of the chaincode service and no code.
func chaincodePackage(address string) ([]byte, error) {
	connection, err := json.Marshal(map[string]any{"address": address, "dial_timeout": "10s", "tls_required": false})
	if err != nil {
		return nil, err
	}
	code, err := archive("connection.json", connection)
	if err != nil {
		return nil, err
	}
	metadata, err := json.Marshal(map[string]string{"type": "ccaas", "label": chaincodeLabel})
	if err != nil {
		return nil, err
	}
	return archive("metadata.json", metadata, "code.tar.gz", string(code))
}

// archive packs files, given as alternating names and contents.
func archive(files ...any) ([]byte, error) {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	pack := tar.NewWriter(zip)
	for i := 0; i < len(files); i += 2 {
		text := fmt.Appendf(nil, "%s", files[i+1])
		if err := pack.WriteHeader(&tar.Header{Name: files[i].(string), Mode: 0o644, Size: int64(len(text))}); err != nil {
			return nil, err
		}
		if _, err := pack.Write(text); err != nil {
			return nil, err
		}
	}
	if err := pack.Close(); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Invoke runs a function of the sample chaincode and returns once one peer of
// each organization has committed the transaction as valid.
func (n *Network) Invoke(ctx context.Context, channel string, args ...string) error {
	return n.InvokeWith(ctx, channel, nil, args...)
}

// InvokeWith is [Network.Invoke] with transient data, which no transaction contains.
func (n *Network) InvokeWith(ctx context.Context, channel string, transient map[string][]byte, args ...string) error {
	call, err := callJSON(args)
	if err != nil {
		return err
	}
	data, err := json.Marshal(transient)
	if err != nil {
		return err
	}
	flags := []string{"chaincode", "invoke", "-C", channel, "-n", chaincodeID, "-c", call, "--transient", string(data), "--waitForEvent"}
	_, err = n.tool(ctx, "peer", n.peerCLI(0), slices.Concat(flags, n.ordererFlags(), n.endorsers())...)
	return err
}

// Query runs a function on one peer, by its number from 1, without ordering it.
func (n *Network) Query(ctx context.Context, peer int, channel string, args ...string) (string, error) {
	call, err := callJSON(args)
	if err != nil {
		return "", err
	}
	out, err := n.tool(ctx, "peer", n.peerCLI(peer-1), "chaincode", "query", "-C", channel, "-n", chaincodeID, "-c", call)
	return strings.TrimSpace(out), err
}

func callJSON(args []string) (string, error) {
	call, err := json.Marshal(map[string][]string{"Args": args})
	return string(call), err
}

// Peer runs the command peer as the administrator of a peer's organization.
func (n *Network) Peer(ctx context.Context, peer int, args ...string) (string, error) {
	return n.tool(ctx, "peer", n.peerCLI(peer-1), args...)
}

// PeerHeight asks a peer, by its number from 1, for the height of its ledger.
func (n *Network) PeerHeight(ctx context.Context, peer int, channel string) (uint64, error) {
	out, err := n.tool(ctx, "peer", n.peerCLI(peer-1), "channel", "getinfo", "-c", channel)
	if err != nil {
		return 0, err
	}
	var info struct{ Height uint64 }
	_, text, _ := strings.Cut(out, ":")
	err = json.Unmarshal([]byte(text), &info)
	return info.Height, err
}
