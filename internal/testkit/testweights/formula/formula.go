// Package formula makes weights from a name, the same in every language.
package formula

// Values returns n values in [c − a, c + a), row-major: with h = splitmix64(fnv1a64(name) + i) the value i is
// float32((h>>40)·2⁻²⁴ − ½)·2a, rounded to float32, plus c, rounded again.
func Values(name string, n int, a, c float32) []float32 {
	seed := fnv1a64(name)
	v := make([]float32, n)
	for i := range v {
		u := float32(splitmix64(seed+uint64(i))>>40) * 0x1p-24
		v[i] = float32((u-0.5)*(2*a)) + c
	}
	return v
}

// Samples are the places of k elements of an array with n: splitmix64(fnv1a64(name)
// + i) mod n.
func Samples(name string, n, k int) []int {
	seed := fnv1a64(name)
	at := make([]int, k)
	for i := range at {
		at[i] = int(splitmix64(seed+uint64(i)) % uint64(n))
	}
	return at
}

func splitmix64(x uint64) uint64 {
	z := x + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func fnv1a64(s string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 0x100000001b3
	}
	return h
}
