package bench

import "slices"

// Timing is how long repeated runs took, in seconds.
type Timing struct {
	Median float64 `json:"median_s"`
	Best   float64 `json:"best_s"`
	Spread float64 `json:"spread_s"` // from the first to the third quartile
}

// timing summarises runs, of which there is at least one.
func timing(seconds []float64) Timing {
	s := slices.Sorted(slices.Values(seconds))
	return Timing{Median: quantile(s, 0.5), Best: s[0], Spread: quantile(s, 0.75) - quantile(s, 0.25)}
}

// quantile is the value at a part q of the way through sorted values.
func quantile(s []float64, q float64) float64 {
	at := q * float64(len(s)-1)
	i := min(int(at), len(s)-2)
	if i < 0 {
		return s[0]
	}
	return s[i] + (at-float64(i))*(s[i+1]-s[i])
}
