package kafkatest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// request is one line to the broker process. Op determines which fields are used.
type request struct {
	Op         string
	Topic      string            `json:",omitempty"`
	Partitions int32             `json:",omitempty"`
	Configs    map[string]string `json:",omitempty"`
	Offset     int64             `json:",omitempty"`
	Node       int32             `json:",omitempty"`
	Fault      *Fault            `json:",omitempty"`
	ID         int               `json:",omitempty"` // of a fault
	Key        int16             `json:",omitempty"`
	Delay      time.Duration     `json:",omitempty"`
	Bytes      uint64            `json:",omitempty"`
	Answers    []Answer          `json:",omitempty"`
}

// reply answers one request, in order.
type reply struct {
	Error string `json:",omitempty"`
	ID    int    `json:",omitempty"`
	Hits  int    `json:",omitempty"`
	Info  Info   `json:",omitzero"`
}

// Fault makes the cluster answer requests with an error.
type Fault struct {
	Key     int16  // of the requests
	Topic   string // empty: all topics
	Code    int16  // with REQUEST_TIMED_OUT and NOT_ENOUGH_REPLICAS_AFTER_APPEND a produce request takes effect
	Count   int    // of requests; 0: until it is removed
	Observe bool   // count requests only

	TopLevel bool // the error is of the whole answer, where it has such a code, not of its topics or groups
}

// Keys of requests and codes of answers that tests name.
const (
	KeyProduce int16 = 0
	KeyFetch   int16 = 1

	KeyListOffsets    int16 = 2
	KeyOffsetFetch    int16 = 9
	KeyListGroups     int16 = 16
	KeyInitProducerID int16 = 22

	CodeUnknownTopic            int16 = 3
	CodeNotLeader               int16 = 6
	CodeTimedOut                int16 = 7
	CodeTooLarge                int16 = 10
	CodeCoordinatorLoading      int16 = 14
	CodeNotEnoughReplicas       int16 = 19
	CodeNotEnoughReplicasAppend int16 = 20
	CodeTopicAuthorization      int16 = 29
	CodeClusterAuthorization    int16 = 31
	CodeInvalidTimestamp        int16 = 32
	CodeOutOfOrderSequence      int16 = 45
	CodeDuplicateSequence       int16 = 46
	CodeInvalidProducerEpoch    int16 = 47
	CodeStorageError            int16 = 56
	CodeUnknownProducer         int16 = 59
)

// Info is the state of a topic's partition 0.
type Info struct {
	Exists     bool
	ID         string // as Kafka prints it
	Partitions int
	Start, End int64
	Leader     int32
	Epoch      int32
}

// control sends requests to a broker process, one at a time.
type control struct {
	mu  sync.Mutex
	in  io.WriteCloser
	out *bufio.Reader
}

func (c *control) call(r request) (reply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := json.NewEncoder(c.in).Encode(r); err != nil {
		return reply{}, fmt.Errorf("%s: %w", r.Op, err)
	}
	return c.read(r.Op)
}

func (c *control) read(op string) (answer reply, err error) {
	line, err := c.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &answer)
	}
	if err == nil && answer.Error != "" {
		err = errors.New(answer.Error)
	}
	if err != nil {
		return answer, fmt.Errorf("%s: %w", op, err)
	}
	return answer, nil
}
