package network

// BoxChunk is the most proposals that go through the box head at once on so many
// threads: at least 64 for each thread, which then sums products nearly at full
// speed while it reads Winograd's transformed weights, which are larger than the
// caches. The maps take 0.2 MB for each proposal and 1 MB for each detection.
func BoxChunk(threads int) int { return min(max(64*threads, 256), 1024) }

// MaskChunk is for detections what BoxChunk is for proposals.
func MaskChunk(threads int) int { return min(max(8*threads, 32), 112) }

// Chunk is the size of the fewest about equal parts of n that are no larger than
// most, in whole groups but for the last part. most is at least a group.
func Chunk(n, most, group int) int {
	most = most / group * group
	parts := max(1, (n+most-1)/most)
	return ((n+parts-1)/parts + group - 1) / group * group
}
