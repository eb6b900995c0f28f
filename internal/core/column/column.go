// Package column makes the large slices of the evaluator.
package column

// Make returns an empty slice with room for n elements, in huge pages where the system lets a program ask for them: the
// first write to a page of 4 KiB costs as much as writing all of it several times.
func Make[T any](n int) []T {
	s := make([]T, 0, n)
	advise(s)
	return s
}

// Grow returns s with room for n elements in all.
func Grow[T any](s []T, n int) []T {
	if n <= cap(s) {
		return s
	}
	return append(Make[T](n), s...)
}
