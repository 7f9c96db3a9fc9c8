//! AWS's times as our own type.

use aws_sdk_sts::primitives::DateTime;
use jiff::Timestamp;

/// The same moment; `None` where AWS gives none, or one that no calendar has.
pub(super) fn timestamp(time: Option<DateTime>) -> Option<Timestamp> {
    let time = time?;
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}
