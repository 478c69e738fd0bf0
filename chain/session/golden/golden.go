// Package golden reads the recordings of real in-tree orderers that are in
// chain/session/testdata/golden: the records of a topic, and the blocks that three
// Fabric v2.5.16 orderers made of them. For tests only.
package golden

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// Names are the recordings. The name is also the channel's.
var Names = []string{"plain", "config", "garbage"}

// Vector is one recording.
type Vector struct {
	Name    string
	Genesis *fabric.Block
	Records [][]byte        // values by offset; nil for null
	Headers []Header        // of orderer 1, by block number
	Blocks  []*fabric.Block // of orderer 1, by number
}

// Header is what a recording has of one block.
type Header struct {
	Orderer    int       `json:"orderer"`
	Number     uint64    `json:"number"`
	DataHash   string    `json:"data_hash"`
	HeaderHash string    `json:"header_hash"`
	LastConfig uint64    `json:"last_config"`
	Metadata   *Metadata `json:"metadata"`
}

// Metadata is the consenter metadata of a block of an in-tree orderer.
type Metadata struct {
	Persisted   int64 `json:"last_offset_persisted"`
	Processed   int64 `json:"last_original_offset_processed"`
	Resubmitted int64 `json:"last_resubmitted_config_offset"`
}

// Read reads the recording in a folder.
func Read(dir string) (*Vector, error) {
	v := &Vector{Name: filepath.Base(dir), Genesis: &fabric.Block{}}
	b, err := os.ReadFile(filepath.Join(dir, "genesis.block"))
	if err != nil {
		return nil, err
	}
	if err := proto.Unmarshal(b, protoadapt.MessageV2Of(v.Genesis)); err != nil {
		return nil, err
	}
	for name, read := range map[string]func(*bufio.Reader) error{
		"records.jsonl.gz": v.readRecords,
		"headers.jsonl.gz": v.readHeaders,
		"blocks.pb.gz":     v.readBlocks,
	} {
		if err := unpacked(filepath.Join(dir, name), read); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func unpacked(file string, read func(*bufio.Reader) error) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	return read(bufio.NewReader(z))
}

func (v *Vector) readRecords(r *bufio.Reader) error {
	return each(r, func(line struct {
		Value []byte `json:"value"`
	}) {
		v.Records = append(v.Records, line.Value)
	})
}

func (v *Vector) readHeaders(r *bufio.Reader) error {
	return each(r, func(h Header) {
		if h.Orderer == 1 {
			v.Headers = append(v.Headers, h)
		}
	})
}

func each[T any](r io.Reader, take func(T)) error {
	lines := json.NewDecoder(r)
	for lines.More() {
		var line T
		if err := lines.Decode(&line); err != nil {
			return err
		}
		take(line)
	}
	return nil
}

func (v *Vector) readBlocks(r *bufio.Reader) error {
	for {
		b := &fabric.Block{}
		err := protodelim.UnmarshalOptions{MaxSize: -1}.UnmarshalFrom(r, protoadapt.MessageV2Of(b))
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		v.Blocks = append(v.Blocks, b)
	}
}
