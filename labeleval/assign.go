package labeleval

import (
	"container/heap"
	"math"
)

// assign chooses pairs of which no two share an object, with the largest sum of
// weights, which must not be negative; weight[i] is that of pairs[i], and pairs are
// sorted by their true objects. It gives the indices of the chosen pairs, rising.
// Among equal sums the choice is arbitrary, but always the same.
//
// This is scipy.optimize.linear_sum_assignment where pairs that are not listed
// weigh 0: shortest augmenting paths (Crouse, IEEE Trans. Aerosp. Electron. Syst. 52,
// 2016, 1679–1696), which stay short as they follow listed pairs only.
func assign(pairs []Pair, weight []float64, trues, predicted int) (chosen []int) {
	// Row r may also take the column predicted+r of its own, which costs nothing: it
	// stays without a partner.
	a := assignment{
		pairs: pairs, weight: weight, columns: predicted,
		first:    make([]int, trues+1),
		columnOf: make([]int, trues),
		u:        make([]float64, trues),
		v:        make([]float64, predicted+trues),
		rowOf:    make([]int, predicted+trues),
		pairOf:   make([]int, predicted+trues),
		dist:     make([]float64, predicted+trues),
		from:     make([]int, predicted+trues),
		done:     make([]bool, predicted+trues),
	}
	for _, p := range pairs {
		a.first[p.True+1]++
	}
	for r := range trues {
		a.first[r+1] += a.first[r]
	}
	for r := range a.columnOf {
		a.columnOf[r] = -1
	}
	for c := range a.rowOf {
		a.rowOf[c], a.dist[c] = -1, math.Inf(1)
	}
	for r := range trues {
		a.augment(r)
	}
	for _, c := range a.columnOf {
		if c < predicted {
			chosen = append(chosen, a.pairOf[c])
		}
	}
	return chosen
}

type assignment struct {
	pairs   []Pair
	weight  []float64
	columns int   // without those of the rows
	first   []int // pair of each row

	u, v     []float64 // prices of rows and columns
	columnOf []int     // of a row; -1: none yet
	rowOf    []int     // of a column; -1: free
	pairOf   []int     // by which it is taken, of columns that are not a row's own

	// Of the search from one row; reset after it.
	dist    []float64
	from    []int // the pair by which a column was reached; of a row's own column -1
	done    []bool
	touched []int // columns with a distance
	queue   queue
}

// augment gives row r a column, and moves other rows if that is cheaper.
func (a *assignment) augment(start int) {
	row, reached := start, 0.0
	var closed []int // columns that were done, in order
	for {
		for i := a.first[row]; i < a.first[row+1]; i++ {
			a.reach(row, a.pairs[i].Predicted, i, reached-a.weight[i])
		}
		a.reach(row, a.columns+row, -1, reached)
		var at place
		for at = heap.Pop(&a.queue).(place); a.done[at.column]; {
			at = heap.Pop(&a.queue).(place)
		}
		reached = at.dist
		a.done[at.column] = true
		closed = append(closed, at.column)
		if row = a.rowOf[at.column]; row < 0 {
			break
		}
	}
	a.u[start] += reached
	for _, c := range closed {
		if r := a.rowOf[c]; r >= 0 {
			a.u[r] += reached - a.dist[c]
		}
		a.v[c] -= reached - a.dist[c]
	}
	// Back along the path: each column goes to the row that reached it.
	for c := closed[len(closed)-1]; c >= 0; {
		r := c - a.columns // of a row's own column
		if i := a.from[c]; i >= 0 {
			r = a.pairs[i].True
			a.pairOf[c] = i
		}
		a.rowOf[c] = r
		c, a.columnOf[r] = a.columnOf[r], c
	}
	for _, c := range a.touched {
		a.dist[c], a.done[c] = math.Inf(1), false
	}
	a.touched, a.queue = a.touched[:0], a.queue[:0]
}

// reach notes a way to a column, of a length without prices.
func (a *assignment) reach(row, column, pair int, length float64) {
	if a.done[column] {
		return
	}
	d := length - a.u[row] - a.v[column]
	if d >= a.dist[column] {
		return
	}
	if math.IsInf(a.dist[column], 1) {
		a.touched = append(a.touched, column)
	}
	a.dist[column], a.from[column] = d, pair
	heap.Push(&a.queue, place{d, column})
}

type place struct {
	dist   float64
	column int
}

// queue is a heap: nearest first, of equal ones the first column.
type queue []place

func (q queue) Len() int      { return len(q) }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q queue) Less(i, j int) bool {
	return q[i].dist < q[j].dist || q[i].dist == q[j].dist && q[i].column < q[j].column
}
func (q *queue) Push(x any) { *q = append(*q, x.(place)) }
func (q *queue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}
