package weights

import "math"

// truncation says that int(base·factor) is width.
type truncation struct{ base, width int }

// factor returns the number with the fewest decimals that explains all truncations, as people write scaling factors:
// widths 41 of 64 and 166 of 256 mean 0.65.
func factor(all []truncation) (float64, bool) {
	low, high := 0.0, math.Inf(1)
	for _, t := range all {
		low = max(low, float64(t.width)/float64(t.base))
		high = min(high, float64(t.width+1)/float64(t.base))
	}
	for unit := 1.0; unit <= 1e9; unit *= 10 {
		f := math.Ceil(float64(low*unit)-1e-9) / unit
		if f >= high {
			continue
		}
		explains := true
		for _, t := range all {
			explains = explains && int(float64(t.base)*f) == t.width
		}
		if explains {
			return f, true
		}
	}
	return 0, false
}
