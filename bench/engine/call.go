package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
)

// call is one thing a guest is asked to do. Each of its inputs differs from the
// others, and none is the one an image was warmed with.
type call struct {
	name     string
	function string // the guest's export
	cases    []exchange
}

// exchange is an input and the one right answer to it.
type exchange struct{ input, want []byte }

// calls are the five rows of a guest, their inputs made from seed.
func calls(seed uint64) []call {
	random := rand.New(rand.NewPCG(seed, 0))
	return []call{
		{"empty", "empty", []exchange{{}}},
		{"json", "json", repeat(64, func() exchange { return order(random) })},
		{"echo10k", "echo", repeat(16, func() exchange { return echo(random, 10_000) })},
		{"echo1m", "echo", repeat(4, func() exchange { return echo(random, 1_000_000) })},
		{"sha256", "sha256", repeat(8, func() exchange { return digest(random) })},
	}
}

func repeat(n int, make func() exchange) []exchange {
	var all []exchange
	for range n {
		all = append(all, make())
	}
	return all
}

// order is about 70 bytes of JSON, answered by about 50.
func order(random *rand.Rand) exchange {
	first := []string{"Ada", "Grace", "Edsger", "Barbara", "Niklaus", "Frances", "Donald", "Radia"}
	last := []string{"Lovelace", "Hopper", "Dijkstra", "Liskov", "Wirth", "Allen", "Knuth", "Perlman"}
	items := []string{"paper clips", "envelopes", "desk lamp", "book stand", "ink", "blotter"}
	customer := first[random.IntN(len(first))] + " " + last[random.IntN(len(last))]
	quantity, price := 10+random.IntN(90), 10+random.IntN(90)
	input := fmt.Appendf(nil, `{"customer":%q,"item":%q,"quantity":%d,"price":%d}`,
		customer, items[random.IntN(len(items))], quantity, price)
	want, _ := json.Marshal(struct {
		Customer string `json:"customer"`
		Total    int    `json:"total"`
		OK       bool   `json:"ok"`
	}{customer, quantity * price, true})
	return exchange{input, want}
}

func echo(random *rand.Rand, size int) exchange {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return exchange{b, b}
}

// digest asks for the hash of 1 MB that the guest makes from one number.
func digest(random *rand.Rand) exchange {
	first := random.Uint32()
	b := make([]byte, 1<<20)
	for i := range uint32(len(b) / 4) {
		binary.LittleEndian.PutUint32(b[4*i:], first+i)
	}
	sum := sha256.Sum256(b)
	return exchange{binary.LittleEndian.AppendUint32(nil, first), sum[:]}
}
