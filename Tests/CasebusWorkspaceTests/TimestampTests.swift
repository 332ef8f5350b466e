import CasebusWorkspace
import Testing

@Suite struct TimestampTests {
  @Test(arguments: [
    (Int64(5), Int64(3), Int64(8)), (.max, 1, .max), (.max, .max, .max), (.min, -1, .min), (.min, .max, -1),
  ])
  func sumsStayWithinTheNumbersThatThereAre(moment: Int64, interval: Int64, sum: Int64) {
    #expect(
      Timestamp(milliseconds: moment).advanced(byMilliseconds: interval) == Timestamp(milliseconds: sum))
  }

  @Test(arguments: [
    (Int64(5), Int64(3), Int64(2)), (.max, -1, .max), (.max, .min, .max), (.min, 1, .min), (.min, .max, .min),
    (.min, .min, 0),
  ])
  func spansStayWithinTheNumbersThatThereAre(moment: Int64, other: Int64, span: Int64) {
    #expect(Timestamp(milliseconds: moment).milliseconds(since: Timestamp(milliseconds: other)) == span)
  }
}
