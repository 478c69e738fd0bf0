package kafkatest

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
)

// Size returns the size of the log of a topic's partition 0 in bytes.
func (c *Cluster) Size(topic string) int64 {
	c.t.Helper()
	info, err := os.Stat(c.segment(topic))
	if err != nil {
		c.t.Fatal(err)
	}
	return info.Size()
}

func (c *Cluster) segment(topic string) string {
	return filepath.Join(c.dir, "partitions", topic+"-0", "0.dat")
}

// CutTail removes the records from an offset on from the stopped cluster's data, as the
// election of a replica that lacks them does. The offset must be the first of a batch.
func (c *Cluster) CutTail(topic string, end int64) {
	c.t.Helper()
	path := c.segment(topic)
	data, err := os.ReadFile(path)
	if err == nil {
		var at int64
		if at, err = batchAt(data, end); err == nil {
			err = os.Truncate(path, at)
		}
	}
	if err != nil {
		c.t.Fatalf("cut the tail of topic %q: %v", topic, err)
	}
}

// batchAt returns the position of the batch whose first offset is offset.
func batchAt(data []byte, offset int64) (int64, error) {
	const header = 12 // first offset and length
	for at := 0; at+header <= len(data); {
		first := int64(binary.BigEndian.Uint64(data[at:]))
		if first == offset {
			return int64(at), nil
		}
		at += header + int(binary.BigEndian.Uint32(data[at+8:]))
	}
	return 0, fmt.Errorf("no batch begins at offset %d", offset)
}
