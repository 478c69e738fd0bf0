package fabrictest

import (
	"reflect"
	"strings"

	"github.com/hyperledger/fabric/common/channelconfig"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// Line describes what a release line of Fabric does differently from the others, as far as tests depend on it. The
// fields describe its newest release.
type Line struct {
	Name string

	KnowsV3             bool // the channel capability V3_0, as Fabric 3.0 defines it
	RefusesRSA          bool // an MSP whose administrator has an RSA key
	ChecksBrokers       bool // the form of the names in KafkaBrokers
	ToRaft              bool // Broadcast takes a change from type kafka to etcdraft, in maintenance mode
	PanicsOnSignedRoots bool // an MSP with a root certificate that another authority has signed makes it panic
}

// The release lines: 2.5.x from 2.5.16, the module that go.mod requires (main of April
// 2023), and 3.x.
var (
	Line25     = Line{Name: "2.5", ChecksBrokers: true, ToRaft: true}
	LineModule = Line{Name: "module", ToRaft: true, PanicsOnSignedRoots: true}
	Line3      = Line{Name: "3.x", KnowsV3: true, RefusesRSA: true}
)

// ThisLine returns the line that the test is compiled against. It recognizes the line by what it declares, not by
// what it does: that is for the test to find out.
func ThisLine() Line {
	if strings.Contains(reflect.TypeFor[fabric.Block]().PkgPath(), "fabric-protos-go-apiv2") {
		return Line3
	}
	if _, ok := any((*channelconfig.OrdererConfig)(nil)).(interface{ KafkaBrokers() []string }); ok {
		return Line25
	}
	return LineModule
}
