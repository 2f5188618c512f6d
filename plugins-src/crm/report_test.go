package main

import (
	"fmt"
	"math/big"
	"testing"
)

func TestWeigh(t *testing.T) {
	for _, amount := range []int64{0, 1, 49, 50, 51, 99, 100, 101, 12_345, maxAmount, maxAmount * maxReported} {
		for _, percent := range []int{0, 1, 10, 25, 33, 50, 99, 100} {
			exact := new(big.Int).Mul(big.NewInt(amount), big.NewInt(int64(percent)))
			want := exact.Add(exact, big.NewInt(50)).Div(exact, big.NewInt(100))
			if got := weigh(amount, percent); got != want.Int64() {
				t.Errorf("%d percent of %d are %d, want %d", percent, amount, got, want)
			}
		}
	}
}

func TestAccountKeepsCurrenciesApart(t *testing.T) {
	var one, total account
	one.enter(tally{3, map[string]int64{"EUR": 1_001, "JPY": 7}}, 50)
	one.enter(tally{1, map[string]int64{"EUR": 100}}, 100)
	total.join(one)
	total.join(one)
	if got := fmt.Sprint(one.figures(), total.figures()); got != "{4 [{EUR 1101 601} {JPY 7 4}]} {8 [{EUR 2202 1202} {JPY 14 8}]}" {
		t.Error(got)
	}
	if got := fmt.Sprint(new(account).figures()); got != "{0 []}" {
		t.Error(got)
	}
}
