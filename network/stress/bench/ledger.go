package bench

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric/common/ledger/blockledger/fileledger"
	"github.com/hyperledger/fabric/common/metrics/disabled"
	"github.com/hyperledger/fabric/protoutil"
)

// appendAlone measures how fast Fabric's ledger appends blocks that are complete: no consenter replays faster. The
// blocks and envelopes have no signatures, which the ledger does not check. Each block is made right before it is appended,
// as in an orderer: the same one again and again would be read from the processor's caches, which halves the time.
func (m *measurement) appendAlone(ctx context.Context) (err error) {
	dir := filepath.Join(m.config.Out, "ledger")
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	factory, err := fileledger.New(dir, &disabled.Provider{})
	if err != nil {
		return err
	}
	defer factory.Close()
	l, err := factory.GetOrCreate("bench1")
	if err != nil {
		return err
	}
	var took time.Duration
	var used float64
	var previous []byte
	n := m.step.Case.wholeBlocks()
	for number := range n / m.step.Case.Block {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		data, err := blockData(m.step.Case.Block, m.config.Size)
		if err != nil {
			return err
		}
		b := &cb.Block{Header: &cb.BlockHeader{Number: uint64(number), PreviousHash: previous, DataHash: data.hash}, Data: &cb.BlockData{Data: data.envelopes}}
		b.Metadata = &cb.BlockMetadata{Metadata: make([][]byte, len(cb.BlockMetadataIndex_name))}
		cpu, began := selfCPU(), time.Now()
		if err := l.Append(b); err != nil {
			return err
		}
		took += time.Since(began)
		used += selfCPU() - cpu
		previous = protoutil.BlockHeaderHash(b.Header)
	}
	m.values[replayed] = float64(n) / took.Seconds()
	m.values[cpuOrderers] = used * 1e6 / float64(n)
	return nil
}

// contents are the envelopes of a block, and their hash.
type contents struct {
	envelopes [][]byte
	hash      []byte
}

// blockData returns n envelopes of a size, with random data and a transaction id each, since the ledger reads the ids.
func blockData(n, size int) (c contents, err error) {
	for range n {
		e, err := envelope(size)
		if err != nil {
			return c, err
		}
		c.envelopes = append(c.envelopes, e)
	}
	c.hash = protoutil.BlockDataHash(&cb.BlockData{Data: c.envelopes})
	return c, nil
}

func envelope(size int) ([]byte, error) {
	id := make([]byte, 32)
	rand.Read(id)
	header := protoutil.MakeChannelHeader(cb.HeaderType_MESSAGE, 0, "bench1", 0)
	header.TxId = hex.EncodeToString(id)
	payload := &cb.Payload{Header: protoutil.MakePayloadHeader(header, &cb.SignatureHeader{})}
	signature := make([]byte, 71)
	payload.Data = make([]byte, max(1, size-proto.Size(payload)-len(signature)))
	rand.Read(payload.Data)
	raw, err := proto.Marshal(payload)
	if err != nil {
		return nil, err
	}
	return proto.Marshal(&cb.Envelope{Payload: raw, Signature: signature})
}
