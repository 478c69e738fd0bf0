package matrix

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// partitions increases the number of partitions of a topic to n.
func (w *world) partitions(topic string, n int32) {
	w.Helper()
	t := kmsg.NewCreatePartitionsRequestTopic()
	t.Topic, t.Count = topic, n
	r := kmsg.NewPtrCreatePartitionsRequest()
	r.Topics, r.TimeoutMillis = append(r.Topics, t), 5000
	c := w.client()
	defer c.Close()
	answer, err := r.RequestWith(w.Context(), c)
	if err != nil || len(answer.Topics) != 1 || answer.Topics[0].ErrorCode != 0 {
		w.Fatalf("create partitions: %+v, %v", answer, err)
	}
}

// end returns the offset of the next record of a partition.
func (w *world) end(topic string, partition int32) int64 {
	w.Helper()
	p := kmsg.NewListOffsetsRequestTopicPartition()
	p.Partition, p.Timestamp = partition, -1
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic, t.Partitions = topic, append(t.Partitions, p)
	r := kmsg.NewPtrListOffsetsRequest()
	r.Topics = append(r.Topics, t)
	c := w.client()
	defer c.Close()
	answer, err := r.RequestWith(w.Context(), c)
	if err != nil || len(answer.Topics) != 1 || answer.Topics[0].Partitions[0].ErrorCode != 0 {
		w.Fatalf("list offsets: %+v, %v", answer, err)
	}
	return answer.Topics[0].Partitions[0].Offset
}
