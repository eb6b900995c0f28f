package coco

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// parse reads text as the loaders do, at the end of a file and before more of it; ok is false unless all of text is one
// number, and the same both times.
func parse(text string) (f float64, ok bool) {
	s := scanner{b: []byte(text)}
	f, next := s.float(0)
	if next != len(text) {
		return 0, false
	}
	s.b = []byte(text + strings.Repeat(" ", 64))
	g, next := s.float(0)
	return g, next == len(text) && math.Float64bits(f) == math.Float64bits(g)
}

func TestInvPow10IsTenToTheMinusK(t *testing.T) {
	for k, got := range invPow10 {
		want := new(big.Int).Lsh(big.NewInt(1), 127)
		if k > 0 {
			pow := new(big.Int).Exp(big.NewInt(5), big.NewInt(int64(k)), nil)
			want.Lsh(want, 200).Div(want, pow).Rsh(want, uint(want.BitLen()-128))
			if k <= 27 {
				want.Add(want, big.NewInt(1))
			}
		}
		have := new(big.Int).Or(new(big.Int).Lsh(new(big.Int).SetUint64(got.hi), 64), new(big.Int).SetUint64(got.lo))
		require.Zero(t, have.Cmp(want), "1e-%d: %x, want %x", k, have, want)
	}
}

func TestFloatsAreCorrectlyRounded(t *testing.T) {
	for _, text := range []string{
		"0", "-0", "0.0", "1", "-1", "0.1", "0.30000000000000004", "9007199254740993", "9007199254740993.0", "224.24000549316406",
		"1e22", "1e23", "1e-22", "1e-23", "123456789012345678", "1234567890123456789", "12345678901234567890", "18446744073709551616",
		"2.2250738585072014e-308", "4.9e-324", "1e-400", "1.7976931348623157e308", "1e400", "-1e400", "0.000000000000000000000000000000123",
		"0.5e-3", "7.2057594037927933e16", "1.00000000000000011102230246251565", "1.0000000000000001110223024625157", "00000000" + "1",
		"0.500000000000000166533453693773481063544750213623046875", "3.5844466002796428e-27", "1e1000000000000", "0.00000000000000000001234567890123456", "0.000000000000000000001234567890123456789", "12345678.5", "1234567.12345678901234567890", "1e-99999999999999999999",
	} {
		want, _ := strconv.ParseFloat(text, 64)
		got, ok := parse(text)
		if text[0] == '0' && len(text) > 1 && text[1] == '0' {
			require.False(t, ok, text)
			continue
		}
		require.True(t, ok, text)
		require.Equal(t, math.Float64bits(want), math.Float64bits(got), text)
	}
}

func TestRandomFloatsEqualStrconv(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		var text string
		switch rng.IntN(4) {
		case 0: // as Python prints a float32 that became a float64
			text = strconv.FormatFloat(float64(float32(rng.Float64()*640)), 'f', -1, 64)
		case 1:
			text = strconv.FormatFloat(rng.Float64(), 'g', 17, 64)
		case 2: // digits without any meaning, so that ties and near ties come by
			text = strconv.FormatUint(rng.Uint64()>>rng.IntN(64), 10) + "e-" + strconv.Itoa(rng.IntN(40))
		case 3:
			text = strconv.FormatFloat(math.Float64frombits(rng.Uint64()&^(1<<63)), 'e', -1, 64)
			if text == "NaN" {
				continue
			}
		}
		want, _ := strconv.ParseFloat(text, 64)
		got, ok := parse(text)
		require.True(t, ok, text)
		require.Equal(t, math.Float64bits(want), math.Float64bits(got), text)
	}
}

func TestHalfwayCasesEqualStrconv(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		// the midpoint of two neighbouring floats below 2^-1, written out in full, and its neighbours in the last digit
		f := rng.Float64()
		mid := new(big.Float).SetPrec(200).SetFloat64(f)
		mid.Add(mid, new(big.Float).SetFloat64(math.Nextafter(f, 1))).Quo(mid, big.NewFloat(2))
		for _, n := range []int{16, 17, 18, 19, 25, 60} {
			text := mid.Text('f', n)
			want, _ := strconv.ParseFloat(text, 64)
			got, ok := parse(text)
			require.True(t, ok, text)
			require.Equal(t, math.Float64bits(want), math.Float64bits(got), text)
		}
	}
}

func TestNumberGrammarIsJSON(t *testing.T) {
	for _, text := range []string{"", "-", "+1", "01", "-01", "1.", ".5", "1.e5", "1e", "1e+", "0x10", "1_000", "1..2", "--1", "1.2.3", "Inf"} {
		s := scanner{b: []byte(text)}
		_, next := s.float(0)
		require.NotEqual(t, len(text), next, "%q", text)
		s = scanner{b: []byte(text + strings.Repeat(" ", 64))}
		_, next = s.float(0)
		require.NotEqual(t, len(text), next, "%q", text)
	}
}

func TestIntegersMayBeWrittenAsFloats(t *testing.T) {
	for text, want := range map[string]int64{"1": 1, "1.0": 1, "-3.00": -3, "1e3": 1000, "1200e-2": 12, "9223372036854775807": math.MaxInt64, "0.0": 0} {
		x, _, ok := scanNumber([]byte(text), 0)
		require.True(t, ok, text)
		v, ok := x.int()
		require.True(t, ok, text)
		require.Equal(t, want, v, text)
	}
	for _, text := range []string{"1.5", "1e-1", "9223372036854775808", "1e19", "123456789012345678901"} {
		x, _, ok := scanNumber([]byte(text), 0)
		require.True(t, ok, text)
		_, ok = x.int()
		require.False(t, ok, text)
	}
}

func BenchmarkFloat(b *testing.B) {
	text := []byte("224.24000549316406, 181.88999938964844, 0.2582896649837494, 12.5, ")
	s := scanner{b: append(text, make([]byte, 64)...)}
	for b.Loop() {
		for p := 0; p < len(text); p += 2 {
			var f float64
			f, p = s.float(p)
			sink += f
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(4*b.N), "ns/number")
}

var sink float64
