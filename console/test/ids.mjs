export const SHARED_ID = '91a7b528-80eb-42ed-a74d-c6fbd5a26116';
