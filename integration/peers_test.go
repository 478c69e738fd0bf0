package integration_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric-protos-go/gateway"
	pb "github.com/hyperledger/fabric-protos-go/peer"
	"github.com/hyperledger/fabric/protoutil"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/fabric-kafka/orderer/network/client"
)

// servesPeers uses a channel as applications and administrators of peers do: the gateway, private data, an anchor peer,
// other addresses of the brokers, an outage of all brokers, and a peer that joins late, by the genesis block and by a snapshot.
func (w *world) servesPeers(ctx context.Context, channel string) {
	GinkgoHelper()
	By("submitting through the gateway of each peer")
	for peer, value := range []string{"by peer1", "by peer2"} {
		w.byGateway(ctx, peer+1, channel, "put", "g", value)
		Expect(w.Query(ctx, peer+1, channel, "get", "g")).To(Equal(value))
	}
	w.keepsPrivateData(ctx, channel)
	w.addsAnchor(ctx, channel)

	By("reaching the brokers by other addresses, and losing all of them")
	w.inForce(ctx, channel, client.BrokersUpdate(w.renamedBrokers()...))
	Expect(w.Invoke(ctx, channel, "put", "k", "by other addresses")).To(Succeed())
	Expect(w.StopBrokers()).To(Succeed())
	Eventually(ctx, func() error { return w.orders(ctx, "orderer1", channel) }).Should(refuse(cb.Status_SERVICE_UNAVAILABLE, ""))
	Expect(w.Query(ctx, 1, channel, "get", "k")).To(Equal("by other addresses"))
	Expect(w.StartBrokers(ctx)).To(Succeed())
	Eventually(ctx, func() error { return w.orders(ctx, "orderer1", channel) }).Should(Succeed())

	By("joining a new peer, by the genesis block and by a snapshot")
	genesis := filepath.Join(w.Dir(), "blocks", channel+".block")
	w.rejoins(ctx, 2, w.peerBin(2), channel, "join", "-b", genesis)
	Expect(w.Invoke(ctx, channel, "put", "k", "with a new peer")).To(Succeed())
	w.takeSnapshot(ctx, 1, channel)
	w.rejoins(ctx, 2, w.peerBin(2), channel, "joinbysnapshot", "--snapshotpath", w.snapshot(ctx, 1, channel))
	Expect(w.Invoke(ctx, channel, "put", "k", "with a peer by snapshot")).To(Succeed())
	Eventually(ctx, func() (string, error) { return w.Query(ctx, 2, channel, "getprivate", "secrets", "s") }).Should(Equal("a secret")) // from the other peer
	w.equal(ctx, channel)
}

// renamedBrokers returns the same brokers, as localhost.
func (w *world) renamedBrokers() (all []string) {
	for _, b := range w.Descriptor().Brokers {
		all = append(all, strings.Replace(b, "127.0.0.1", "localhost", 1))
	}
	return all
}

// byGateway submits a transaction through the gateway of a peer, as applications do, and waits until it is committed.
func (w *world) byGateway(ctx context.Context, peer int, channel string, args ...string) {
	GinkgoHelper()
	described := w.Descriptor().Peers[peer-1]
	config, err := client.TLS{CA: filepath.Join(w.Dir(), described.TLSCA)}.Client()
	Expect(err).NotTo(HaveOccurred())
	conn, err := grpc.Dial(described.Address, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	Expect(err).NotTo(HaveOccurred())
	defer conn.Close()
	service := gateway.NewGatewayClient(conn)

	id, proposal := w.proposal(channel, args)
	endorsed, err := service.Endorse(ctx, &gateway.EndorseRequest{TransactionId: id, ChannelId: channel, ProposedTransaction: proposal})
	Expect(err).NotTo(HaveOccurred())
	transaction := endorsed.PreparedTransaction
	transaction.Signature, err = w.user.Sign(transaction.Payload)
	Expect(err).NotTo(HaveOccurred())
	_, err = service.Submit(ctx, &gateway.SubmitRequest{TransactionId: id, ChannelId: channel, PreparedTransaction: transaction})
	Expect(err).NotTo(HaveOccurred())

	creator, err := w.user.Serialize()
	Expect(err).NotTo(HaveOccurred())
	request, err := proto.Marshal(&gateway.CommitStatusRequest{TransactionId: id, ChannelId: channel, Identity: creator})
	Expect(err).NotTo(HaveOccurred())
	signature, err := w.user.Sign(request)
	Expect(err).NotTo(HaveOccurred())
	status, err := service.CommitStatus(ctx, &gateway.SignedCommitStatusRequest{Request: request, Signature: signature})
	Expect(err).NotTo(HaveOccurred())
	Expect(status.Result).To(Equal(pb.TxValidationCode_VALID))
}

// proposal returns a signed proposal to invoke the sample chaincode, and its transaction's id.
func (w *world) proposal(channel string, args []string) (id string, signed *pb.SignedProposal) {
	GinkgoHelper()
	creator, err := w.user.Serialize()
	Expect(err).NotTo(HaveOccurred())
	input := &pb.ChaincodeInput{}
	for _, a := range args {
		input.Args = append(input.Args, []byte(a))
	}
	unsigned, id, err := protoutil.CreateChaincodeProposal(cb.HeaderType_ENDORSER_TRANSACTION, channel,
		&pb.ChaincodeInvocationSpec{ChaincodeSpec: &pb.ChaincodeSpec{ChaincodeId: &pb.ChaincodeID{Name: "assets"}, Input: input}}, creator)
	Expect(err).NotTo(HaveOccurred())
	signed, err = protoutil.GetSignedProposal(unsigned, w.user)
	Expect(err).NotTo(HaveOccurred())
	return id, signed
}

// keepsPrivateData gives the chaincode a collection, and reads from each peer what is kept there and in no block.
func (w *world) keepsPrivateData(ctx context.Context, channel string) {
	GinkgoHelper()
	By("keeping private data")
	collections := filepath.Join(GinkgoT().TempDir(), "collections.json")
	Expect(os.WriteFile(collections, []byte(`[{"name": "secrets", "policy": "OR('Org1MSP.member', 'Org2MSP.member')",
		"requiredPeerCount": 1, "maxPeerCount": 1, "blockToLive": 0, "memberOnlyRead": true, "memberOnlyWrite": true}]`), 0o600)).To(Succeed())
	Expect(w.Define(ctx, channel, 2, "--collections-config", collections)).To(Succeed())
	Expect(w.InvokeWith(ctx, channel, map[string][]byte{"value": []byte("a secret")}, "putprivate", "secrets", "s")).To(Succeed())
	for peer := 1; peer <= 2; peer++ {
		Eventually(ctx, func() (string, error) { return w.Query(ctx, peer, channel, "getprivate", "secrets", "s") }).Should(Equal("a secret"))
	}
}

// addsAnchor gives an organization a second anchor peer, and waits until its peer has the config.
func (w *world) addsAnchor(ctx context.Context, channel string) {
	GinkgoHelper()
	By("updating the anchor peers")
	w.edit(ctx, channel, func(group object) {
		anchors := group.child("groups", "Application", "groups", "Org1MSP", "values", "AnchorPeers", "value")
		anchors["anchor_peers"] = append(anchors["anchor_peers"].([]any), object{"host": "anchor.example.com", "port": 7051})
	})
	block := filepath.Join(GinkgoT().TempDir(), "fetched.block")
	Eventually(ctx, func() (string, error) {
		if _, err := w.Peer(ctx, 1, "channel", "fetch", "config", block, "-c", channel); err != nil { // from the peer's own ledger
			return "", err
		}
		text, err := os.ReadFile(block)
		return string(text), err
	}).Should(ContainSubstring("anchor.example.com"))
}

// peerBin returns the folder with the binary of a peer.
func (w *world) peerBin(peer int) string {
	if bin, ok := w.Options().PeerBins[peer]; ok {
		return bin
	}
	return w.Bin(".")
}

// takeSnapshot asks a peer for a snapshot of its ledger at its present height.
func (w *world) takeSnapshot(ctx context.Context, peer int, channel string) {
	GinkgoHelper()
	described := w.Descriptor().Peers[peer-1]
	_, err := w.Peer(ctx, peer, "snapshot", "submitrequest", "-c", channel, "-b", "0",
		"--peerAddress", described.Address, "--tlsRootCertFile", filepath.Join(w.Dir(), described.TLSCA))
	Expect(err).NotTo(HaveOccurred())
}

// snapshot waits for the one snapshot that a peer has been asked for, and returns its folder.
func (w *world) snapshot(ctx context.Context, peer int, channel string) string {
	GinkgoHelper()
	completed := filepath.Join(w.Dir(), "data", w.Descriptor().Peers[peer-1].Name, "snapshots", "completed", channel)
	var taken []string
	Eventually(ctx, func() (all []string, err error) {
		taken, err = filepath.Glob(filepath.Join(completed, "*", "_snapshot_signable_metadata.json"))
		return taken, err
	}).Should(HaveLen(1))
	return filepath.Dir(taken[0])
}

// rejoins takes the ledgers of a peer away, starts it from a folder of binaries, lets it join by a subcommand of peer channel,
// gives it the chaincode, and waits until it has the blocks of the other peer.
func (w *world) rejoins(ctx context.Context, peer int, bin, channel string, join ...string) {
	GinkgoHelper()
	height, err := w.PeerHeight(ctx, 1, channel)
	Expect(err).NotTo(HaveOccurred())
	name := w.Descriptor().Peers[peer-1].Name
	Expect(w.Stop(name)).To(Succeed())
	Expect(os.RemoveAll(filepath.Join(w.Dir(), "data", name))).To(Succeed())
	Expect(w.Replace(ctx, name, bin)).To(Succeed())
	_, err = w.Peer(ctx, peer, append([]string{"channel"}, join...)...)
	Expect(err).NotTo(HaveOccurred())
	packages, err := filepath.Glob(filepath.Join(w.Dir(), "chaincode", "*.tar.gz"))
	Expect(err).NotTo(HaveOccurred())
	Expect(packages).To(HaveLen(1))
	_, err = w.Peer(ctx, peer, "lifecycle", "chaincode", "install", packages[0]) // a new peer has none
	Expect(err).NotTo(HaveOccurred())
	Eventually(ctx, func() (uint64, error) { return w.PeerHeight(ctx, peer, channel) }).Should(BeNumerically(">=", height))
}
