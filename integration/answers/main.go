// Command answers prints what Fabric answers to a fixed series of questions: whether signatures are valid, when identities
// expire, and which bytes its ledger writes and reads. A test compares the answers of Fabric as released with those of Fabric
// with options of plugin/builder.
package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/golang/protobuf/proto"
	"github.com/hyperledger/fabric/common/crypto"
	"github.com/hyperledger/fabric/common/flogging"
	"github.com/hyperledger/fabric/common/ledger/blockledger"
	"github.com/hyperledger/fabric/common/ledger/blockledger/fileledger"
	"github.com/hyperledger/fabric/common/metrics/disabled"
	"github.com/hyperledger/fabric/msp"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
)

func main() {
	flogging.Init(flogging.Config{LogSpec: "error", Writer: io.Discard}) // Fabric warns of garbage
	rng := rand.New(rand.NewPCG(1, 2))
	for _, ask := range []func(*rand.Rand) error{signatures, expiries, ledger} {
		if err := ask(rng); err != nil {
			fmt.Fprintln(os.Stderr, "answers:", err)
			os.Exit(1)
		}
	}
}

// signatures asks about good and bad signatures. It asks about most of them several times, with others in between.
func signatures(rng *rand.Rand) error {
	one, other := fabrictest.NewOrg("OneMSP"), fabrictest.NewOrg("OtherMSP")
	signers := []*fabrictest.Identity{one.Admin, one.Member("member"), other.Admin, other.Member("member")}
	var identities []msp.Identity
	for i, org := range []*fabrictest.Org{one, one, other, other} {
		m, err := msp.New(&msp.BCCSPNewOpts{NewBaseOpts: msp.NewBaseOpts{Version: msp.MSPv1_4_3}}, fabrictest.Crypto())
		if err != nil {
			return err
		}
		if err := m.Setup(org.MSP()); err != nil {
			return err
		}
		identity, err := m.DeserializeIdentity(signers[i].Creator)
		if err != nil {
			return err
		}
		identities = append(identities, identity)
	}
	const messages = 40
	signed := make([][][]byte, len(signers))
	for i, s := range signers {
		for m := range messages {
			signature, err := s.Sign(message(m))
			if err != nil {
				return err
			}
			signed[i] = append(signed[i], signature)
		}
	}
	for range 5000 {
		who, by, about, of := rng.IntN(len(signers)), rng.IntN(len(signers)), rng.IntN(messages), rng.IntN(messages)
		if rng.IntN(3) > 0 {
			who, of = by, about
		}
		signature := slices.Clone(signed[by][of])
		if rng.IntN(4) == 0 {
			signature[rng.IntN(len(signature))] ^= 1 << rng.IntN(8)
		}
		err := identities[who].Verify(message(about), signature[:len(signature)-rng.IntN(2)*rng.IntN(2)])
		fmt.Printf("identity %d, message %d, signature %d of identity %d: valid %t\n", who, about, of, by, err == nil)
	}
	return nil
}

func message(i int) []byte { return []byte(strings.Repeat("m", i)) }

// expiries asks when identities expire, several times.
func expiries(rng *rand.Rand) error {
	org := fabrictest.NewOrg("OneMSP")
	identities := [][]byte{nil, {}, []byte("garbage"), protoutil.MarshalOrPanic(&fabric.SerializedIdentity{Mspid: "OneMSP", IdBytes: []byte("no PEM")})}
	for i := range 30 {
		identities = append(identities, org.MemberUntil(fmt.Sprint("member", i), time.Now().Add(time.Duration(i-15)*time.Hour)).Creator)
	}
	for range 300 {
		i := rng.IntN(len(identities))
		want, err := notAfter(identities[i])
		got := crypto.ExpiresAt(identities[i])
		fmt.Printf("identity %d: has a certificate %t, expires when that does %t\n", i, err == nil, got.Equal(want))
	}
	return nil
}

// notAfter returns the end of a serialized identity's certificate; the zero time if it has none.
func notAfter(identity []byte) (time.Time, error) {
	s := &fabric.SerializedIdentity{}
	if err := proto.Unmarshal(identity, s); err != nil {
		return time.Time{}, err
	}
	block, _ := pem.Decode(s.IdBytes)
	if block == nil {
		return time.Time{}, fmt.Errorf("no PEM")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return time.Time{}, err
	}
	return certificate.NotAfter, nil
}

// ledger writes blocks, and reads them, also after the index has been rebuilt from them.
func ledger(rng *rand.Rand) error {
	dir, err := os.MkdirTemp("", "answers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	const blocks = 60
	err = with(dir, func(l blockledger.ReadWriter) error {
		previous := []byte(nil)
		for number := range uint64(blocks) {
			b := block(rng, number, previous)
			previous = protoutil.BlockHeaderHash(b.Header)
			if err := l.Append(b); err != nil {
				return err
			}
		}
		return read(l)
	})
	if err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(dir, "index")); err != nil {
		return err
	}
	if err := with(dir, read); err != nil {
		return err
	}
	return filepath.WalkDir(filepath.Join(dir, "chains"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		fmt.Printf("file %s: %x\n", d.Name(), sha256.Sum256(text))
		return err
	})
}

// with opens the ledger of a channel for f.
func with(dir string, f func(blockledger.ReadWriter) error) error {
	factory, err := fileledger.New(dir, &disabled.Provider{})
	if err != nil {
		return err
	}
	defer factory.Close()
	l, err := factory.GetOrCreate("mychannel")
	if err != nil {
		return err
	}
	return f(l)
}

func read(l blockledger.ReadWriter) error {
	fmt.Println("height", l.Height())
	for number := range l.Height() {
		b, err := l.RetrieveBlockByNumber(number)
		if err != nil {
			return err
		}
		text, err := proto.Marshal(b)
		if err != nil {
			return err
		}
		fmt.Printf("block %d: %x\n", number, sha256.Sum256(text))
	}
	return nil
}

// block returns a block of envelopes with transaction ids, with none, and of garbage, and with metadata of several sizes.
func block(rng *rand.Rand, number uint64, previous []byte) *fabric.Block {
	b := protoutil.NewBlock(number, previous)
	b.Data.Data = nil
	for range rng.IntN(20) {
		b.Data.Data = append(b.Data.Data, envelope(rng))
	}
	b.Header.DataHash = random(rng, 32)
	for i := range b.Metadata.Metadata {
		b.Metadata.Metadata[i] = random(rng, rng.IntN(300))
	}
	if rng.IntN(5) == 0 {
		b.Metadata.Metadata = b.Metadata.Metadata[:3] // fewer make Fabric panic
	}
	return b
}

func envelope(rng *rand.Rand) []byte {
	if rng.IntN(4) == 0 {
		return random(rng, rng.IntN(50))
	}
	header := &fabric.ChannelHeader{ChannelId: "mychannel", Type: int32(rng.IntN(9))}
	if rng.IntN(2) == 0 {
		header.TxId = fmt.Sprintf("%x", random(rng, 32))
	}
	return protoutil.MarshalOrPanic(&fabric.Envelope{
		Signature: random(rng, 70),
		Payload: protoutil.MarshalOrPanic(&fabric.Payload{
			Header: &fabric.Header{
				ChannelHeader:   protoutil.MarshalOrPanic(header),
				SignatureHeader: protoutil.MarshalOrPanic(&fabric.SignatureHeader{Nonce: random(rng, 24), Creator: random(rng, 100)}),
			},
			Data: random(rng, rng.IntN(5000)),
		}),
	})
}

func random(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}
