package reader

import "github.com/fabric-kafka/orderer/chain/log"

// Waiting returns how many records were fetched and not returned by Next.
func Waiting(r log.Reader) int { return len(r.(*reader).sub.Messages()) }
