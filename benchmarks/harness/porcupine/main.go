// Porcupine as a program: judges one register history, read from standard input, and prints the verdict and the seconds
// that the check alone took.
//
// A line is an operation: client, call, return, function (0 read, 1 write, 2 cas), argument, new value, result. The
// values are numbers; nil is -1. Operations that certainly did not happen are left out by whoever writes the lines, and
// those whose end is unknown return at the end of time.
package main

import (
	"bufio"
	"fmt"
	"os"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	read = iota
	write
	cas
)

type input struct{ function, argument, value int }

type output struct {
	result  int
	isKnown bool
}

var register = porcupine.Model{
	Init: func() interface{} { return -1 },
	Step: func(state, in, out interface{}) (bool, interface{}) {
		asked, answered := in.(input), out.(output)
		switch asked.function {
		case read:
			return state == answered.result, state
		case write:
			return true, asked.argument
		default:
			if state == asked.argument {
				return true, asked.value
			}
			// A compare-and-set whose end is unknown may have found something else.
			return !answered.isKnown, state
		}
	},
}

func main() {
	var operations []porcupine.Operation
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var client, function, argument, value, result int
		var call, end int64
		if _, err := fmt.Sscan(lines.Text(), &client, &call, &end, &function, &argument, &value, &result); err != nil {
			fmt.Fprintf(os.Stderr, "no operation: %s\n", lines.Text())
			os.Exit(2)
		}
		operations = append(operations, porcupine.Operation{
			ClientId: client,
			Input:    input{function, argument, value},
			Call:     call,
			Output:   output{result, end < 1<<62},
			Return:   end,
		})
	}
	begun := time.Now()
	isLinearizable := porcupine.CheckOperations(register, operations)
	verdict := "violation"
	if isLinearizable {
		verdict = "valid"
	}
	fmt.Printf("%s %.6f\n", verdict, time.Since(begun).Seconds())
}
