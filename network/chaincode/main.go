// Command chaincode is the network's sample chaincode, run as a service at CHAINCODE_ADDRESS or, as fabric-samples
// name it, CHAINCODE_SERVER_ADDRESS: a key-value store of assets. Functions: put KEY VALUE, get KEY, del KEY,
// inc KEY [BY] (an integer, 0 if absent); putprivate COLLECTION KEY, which takes the
// value from the transient field "value", and getprivate COLLECTION KEY.
package main

import (
	"cmp"
	"fmt"
	"os"
	"strconv"

	"github.com/hyperledger/fabric-chaincode-go/shim"
	pb "github.com/hyperledger/fabric-protos-go/peer"
)

func main() {
	server := &shim.ChaincodeServer{
		CCID:     os.Getenv("CHAINCODE_ID"),
		Address:  cmp.Or(os.Getenv("CHAINCODE_ADDRESS"), os.Getenv("CHAINCODE_SERVER_ADDRESS")),
		CC:       assets{},
		TLSProps: shim.TLSProperties{Disabled: true}, // loopback, or a network of containers
	}
	if err := server.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "chaincode:", err)
		os.Exit(1)
	}
}

type assets struct{}

func (assets) Init(shim.ChaincodeStubInterface) pb.Response { return shim.Success(nil) }

func (a assets) Invoke(stub shim.ChaincodeStubInterface) pb.Response {
	name, args := stub.GetFunctionAndParameters()
	call, known := map[string]func(shim.ChaincodeStubInterface, []string) ([]byte, error){
		"put": put, "get": get, "del": del, "inc": inc, "putprivate": putPrivate, "getprivate": getPrivate,
	}[name]
	if !known {
		return shim.Error(fmt.Sprintf("no function %q; there are put, get, del, inc, putprivate and getprivate", name))
	}
	out, err := call(stub, args)
	if err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success(out)
}

func put(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("put takes KEY VALUE")
	}
	return nil, stub.PutState(args[0], []byte(args[1]))
}

func get(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("get takes KEY")
	}
	value, err := stub.GetState(args[0])
	if err == nil && value == nil {
		return nil, fmt.Errorf("there is no %q", args[0])
	}
	return value, err
}

func del(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("del takes KEY")
	}
	return nil, stub.DelState(args[0])
}

func inc(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	if len(args) != 1 && len(args) != 2 {
		return nil, fmt.Errorf("inc takes KEY [BY]")
	}
	by := 1
	if len(args) == 2 {
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return nil, err
		}
		by = n
	}
	old, err := stub.GetState(args[0])
	if err != nil {
		return nil, err
	}
	value := by
	if old != nil {
		n, err := strconv.Atoi(string(old))
		if err != nil {
			return nil, fmt.Errorf("%q holds no number: %w", args[0], err)
		}
		value += n
	}
	out := []byte(strconv.Itoa(value))
	return out, stub.PutState(args[0], out)
}

func putPrivate(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("putprivate takes COLLECTION KEY")
	}
	transient, err := stub.GetTransient()
	if err != nil {
		return nil, err
	}
	value, ok := transient["value"]
	if !ok {
		return nil, fmt.Errorf("putprivate takes its value from the transient field \"value\", which is missing")
	}
	return nil, stub.PutPrivateData(args[0], args[1], value)
}

func getPrivate(stub shim.ChaincodeStubInterface, args []string) ([]byte, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("getprivate takes COLLECTION KEY")
	}
	value, err := stub.GetPrivateData(args[0], args[1])
	if err == nil && value == nil {
		return nil, fmt.Errorf("there is no %q in collection %q", args[1], args[0])
	}
	return value, err
}
