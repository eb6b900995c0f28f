package network

// BoxChunk is the most proposals that go through the box head at once on so many
// threads: at least 64 for each thread, which then sums products nearly at full
// speed while it reads Winograd's transformed weights, which are larger than the
// caches. The maps take 0.2 MB for each proposal and 1 MB for each detection.
func BoxChunk(threads int) int {
	if threads == 1 {
		return oneThread.proposals
	}
	return min(max(64*threads, 256), 1024)
}

// MaskChunk is for detections what BoxChunk is for proposals.
func MaskChunk(threads int) int {
	if threads == 1 {
		return oneThread.detections
	}
	return min(max(8*threads, 32), 112)
}

// A single thread mostly works beside others, each on a picture of its own: less
// of the cache that they share is faster. With 64 channels, 84 proposals are blocks
// of 28 and 42 of Winograd's tiles, which register tiles of 14 pixels divide.
var oneThread = struct{ proposals, detections int }{84, 16}

// Chunk is the size of the fewest about equal parts of n that are no larger than
// most, in whole groups but for the last part. most is at least a group.
func Chunk(n, most, group int) int {
	most = most / group * group
	parts := max(1, (n+most-1)/most)
	return ((n+parts-1)/parts + group - 1) / group * group
}
